/** What the playground begins with: a film that needs nothing else. */
export const EXAMPLE = {
  input_props: {
    width: 1280,
    height: 720,
    fps: 30,
    tracks: [
      {
        clips: [
          { type: "color", color: "#1b2a49", duration: 3 },
          { type: "color", color: "#3a2f6b", duration: 3, transition: { in: { type: "fade", duration: 0.6 } } },
        ],
      },
      {
        clips: [
          { type: "text", text: "Owls hunt at night", start: 0.3, duration: 2.5 },
          { type: "text", text: "and render by day", start: 3.2, duration: 2.6 },
        ],
      },
    ],
  },
  output_settings: { output_name: "owls.mp4" },
};
