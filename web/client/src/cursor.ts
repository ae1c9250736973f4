/** A place in a project's durable lane, written `epoch.seq`; the same on every transport. */
export interface Cursor {
  readonly epoch: string;
  readonly seq: number;
}

/** Read `e7f3a1.1042`; null for anything else. */
export function parseCursor(text: string): Cursor | null {
  const dot = text.lastIndexOf(".");
  const epoch = text.slice(0, Math.max(dot, 0));
  const digits = text.slice(dot + 1);
  if (epoch === "" || !/^[0-9]{1,15}$/.test(digits)) return null;
  return { epoch, seq: Number(digits) };
}

/** Write it as the server does. */
export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}.${cursor.seq}`;
}
