/** A command's words as a shell takes them. */
export const commandOf = (argv: readonly string[]): string => argv.map(quoted).join(" ");

const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
