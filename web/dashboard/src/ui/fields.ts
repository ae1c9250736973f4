import { Problem } from "@renderowl/client";

/** What is wrong with which field, by its JSON pointer: the first complaint about each. */
export function fieldsOf(failure: unknown): Readonly<Record<string, string>> {
  const errors = failure instanceof Problem ? failure.errors : [];
  return Object.fromEntries([...errors].reverse().map(({ path, message }) => [path, message]));
}

/** A failure as a sentence for people. */
export function sentenceOf(failure: unknown): string {
  if (failure instanceof Problem) return failure.detail;
  if (failure instanceof TypeError) return "The server cannot be reached.";
  return failure instanceof Error ? failure.message : String(failure);
}
