/** A key or token, or a function that gets one: called for the first request, when it ends soon, and when it was refused. */
export type TokenSource = string | (() => string | Promise<string>);

/** Who is calling. Without a source it is the browser's session cookie, which no script can read. */
export class Credentials {
  readonly #source: TokenSource | null;
  #token: Promise<string> | null = null;

  constructor(source: TokenSource | null) {
    this.#source = source;
  }

  /** False when another token will not come, however often one asks. */
  get canRefresh(): boolean {
    return typeof this.#source === "function";
  }

  get usesCookie(): boolean {
    return this.#source === null;
  }

  /** The token in use; null where the cookie says it. */
  async token(): Promise<string | null> {
    if (this.#source === null) return null;
    this.#token ??= this.#ask();
    return this.#token;
  }

  /** Another token; callers at the same time share one. */
  async refresh(): Promise<string> {
    this.#token = this.#ask();
    return this.#token;
  }

  /** Another token than `refused`, which may have been replaced already. */
  async replace(refused: string | null): Promise<string> {
    const current = this.#token === null ? null : await this.#token.catch(() => null);
    return current !== null && current !== refused ? current : this.refresh();
  }

  #ask(): Promise<string> {
    const source = this.#source;
    const asked = Promise.resolve().then(() => (typeof source === "function" ? source() : (source ?? "")));
    asked.catch(() => {
      if (this.#token === asked) this.#token = null;
    });
    return asked;
  }
}
