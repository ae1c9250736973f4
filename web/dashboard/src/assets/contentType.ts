/** What kind of file it is: by its ending where the browser does not know, or knows another name than the server. */

const BY_ENDING: Readonly<Record<string, string>> = {
  avi: "video/x-msvideo",
  flac: "audio/flac",
  m4a: "audio/mp4",
  m4v: "video/mp4",
  mkv: "video/x-matroska",
  opus: "audio/ogg",
  otf: "font/otf",
  srt: "application/x-subrip",
  ts: "video/mp2t",
  ttf: "font/ttf",
  vtt: "text/vtt",
  wav: "audio/wav",
};

export function contentTypeOf({ name, type }: Pick<File, "name" | "type">): string {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return BY_ENDING[ending] ?? (type === "" ? "application/octet-stream" : type);
}
