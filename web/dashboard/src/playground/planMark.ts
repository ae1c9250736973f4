/** In words, how what is shown stands to what is typed. */
export function planMark(asking: boolean, failed: boolean, readable: boolean): string {
  if (!readable) return "The text is no JSON object yet";
  if (asking) return "Planning…";
  return failed ? "As it was before" : "Up to date";
}
