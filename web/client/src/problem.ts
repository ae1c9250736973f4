/** A field of the request that is wrong: `path` is a JSON pointer into the body. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** An RFC 9457 problem document as RenderOwl sends it, or what can be said where there is none. */
export interface ProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance?: string;
  readonly request_id?: string;
  readonly errors?: readonly FieldError[];
}

/** What the server answers when it does not do what it was asked; `code` is stable, see docs/errors.md. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string | undefined;
  /** How long the server asks to wait before another try. */
  readonly retryAfterS: number | undefined;

  constructor(document: ProblemDocument, retryAfterS?: number) {
    const errors = document.errors ?? [];
    const places = errors.map((error) => `\n  ${error.path}: ${error.message}`).join("");
    super(`${document.code}: ${document.detail}${places}`);
    this.status = document.status;
    this.code = document.code;
    this.detail = document.detail;
    this.errors = errors;
    this.requestId = document.request_id;
    this.retryAfterS = retryAfterS;
  }
}

/** Read an answer that is no success; one that is no problem document (a proxy's page) becomes one. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  const retryAfterS = secondsOf(response.headers.get("retry-after"));
  try {
    const document: unknown = JSON.parse(text);
    if (isProblemDocument(document)) return new Problem(document, retryAfterS);
  } catch {
    // not JSON: told below
  }
  const detail = text.slice(0, 200) || response.statusText || `status ${response.status}`;
  return new Problem({ status: response.status, code: "unknown", detail }, retryAfterS);
}

function isProblemDocument(value: unknown): value is ProblemDocument {
  return typeof value === "object" && value !== null && "code" in value && "status" in value && "detail" in value;
}

function secondsOf(header: string | null): number | undefined {
  return header !== null && /^[0-9]{1,9}$/.test(header) ? Number(header) : undefined;
}
