/** A key or token, or a function that gets one: called at first, when the token ends soon, and when it was refused. */
export type TokenSource = string | (() => string | Promise<string>);

/** Who is calling. Without a source it is the browser's session cookie, which no script can read. */
export class Credentials {
  readonly #source: TokenSource | null;
  #token: Promise<string> | null = null;
  #asking: Promise<string> | null = null;

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
    return this.#token ?? this.refresh();
  }

  /** Another token; callers at the same time share one. */
  refresh(): Promise<string> {
    this.#asking ??= this.#ask();
    return this.#asking;
  }

  /** Another token than `refused`, which may have been replaced already. */
  async replace(refused: string | null): Promise<string> {
    const current = await this.#token?.catch(() => null);
    return current != null && current !== refused ? current : this.refresh();
  }

  #ask(): Promise<string> {
    const source = this.#source;
    const asked = Promise.resolve().then(() => (typeof source === "function" ? source() : (source ?? "")));
    this.#token = asked;
    const answered = () => (this.#asking = null);
    asked.then(answered, () => {
      answered();
      this.#token = null; // whoever comes next asks again
    });
    return asked;
  }
}
