import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { expect, inject, test } from "vitest";

const FOLDER = new URL("../../", import.meta.url);
const readme = await readFile(new URL("README.md", FOLDER), "utf8");
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map((match) => match[1] ?? "");

test("README's program renders a film", async () => {
  const path = fileURLToPath(new URL(".film.mjs", FOLDER)); // here, where the package finds itself
  await writeFile(path, blocks("js")[0] ?? "");
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [path, inject("url"), inject("key")]);
    expect(stdout.trim().split("\n").at(-1)).toMatch(/^completed: \d{4,} bytes$/);
    expect(stdout).toContain("100 %");
  } finally {
    await rm(path);
  }
});

test("README's pages have the types they use", () => {
  const options = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const sources = new Map(
    blocks("ts").map((text, index) => [fileURLToPath(new URL(`page${index}.mts`, FOLDER)), text]),
  );
  expect(sources.size).toBe(5);
  const host = ts.createCompilerHost(options);
  const { readFile: read, fileExists } = host;
  host.fileExists = (name) => sources.has(name) || fileExists(name);
  host.readFile = (name) => sources.get(name) ?? read(name);
  const { getSourceFile } = host;
  host.getSourceFile = (name, target) => {
    const text = sources.get(name);
    return text === undefined ? getSourceFile(name, target) : ts.createSourceFile(name, text, target);
  };
  const found = ts.getPreEmitDiagnostics(ts.createProgram([...sources.keys()], options, host));
  expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
});
