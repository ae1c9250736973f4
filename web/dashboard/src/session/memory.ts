/**
 * What a page remembers of being signed in. The session is a cookie that no script can read, so that there is one is
 * noted; a key that was typed in is kept for as long as its tab is open.
 */

export interface Remembered {
  /** A key that was typed in; null when it is the cookie that says who one is. */
  readonly key: string | null;
}

const NOTE = "renderowl.signed-in";
const KEY = "renderowl.key";

export function recall(): Remembered | null {
  const key = sessionStorage.getItem(KEY);
  if (key !== null) return { key };
  return localStorage.getItem(NOTE) === null ? null : { key: null };
}

export function remember({ key }: Remembered): void {
  if (key === null) localStorage.setItem(NOTE, "yes");
  else sessionStorage.setItem(KEY, key);
}

export function forget(): void {
  localStorage.removeItem(NOTE);
  sessionStorage.removeItem(KEY);
}
