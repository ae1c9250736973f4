/** A JSON Schema as the server writes them, and what it says of a place in a document. */

export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly examples?: readonly unknown[];
}

/** A step down into a document: a property's name or a place in an array. */
export type Step = string | number;

/** What the value at a path may be: one schema for each kind that fits what the document says already. */
export function schemasAt(root: Schema, document: unknown, path: readonly Step[]): readonly Schema[] {
  let schemas = kindsOf(root, root, document);
  let value = document;
  for (const step of path) {
    value = childOf(value, step);
    schemas = schemas.flatMap((schema) => {
      const child = typeof step === "number" ? schema.items : propertyOf(schema, step);
      return child === undefined ? [] : kindsOf(root, child, value);
    });
  }
  return schemas;
}

function propertyOf(schema: Schema, name: string): Schema | undefined {
  const rest = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  return schema.properties?.[name] ?? rest;
}

function childOf(value: unknown, step: Step): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as Record<Step, unknown>)[step];
}

/** A schema without references and alternatives; of alternatives those that `value` may still become. */
function kindsOf(root: Schema, schema: Schema, value: unknown): readonly Schema[] {
  if (schema.$ref !== undefined) {
    const named = root.$defs?.[schema.$ref.replace("#/$defs/", "")];
    return named === undefined ? [] : kindsOf(root, named, value);
  }
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives === undefined) return fits(schema, value) ? [schema] : [];
  return alternatives.flatMap((alternative) => kindsOf(root, alternative, value));
}

/** False when a property that tells kinds apart, such as `type`, says another. */
function fits(schema: Schema, value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return true;
  if (schema.type !== undefined && schema.type !== "object") return false;
  return Object.entries(schema.properties ?? {}).every(([name, { enum: allowed }]) => {
    const said = (value as Record<string, unknown>)[name];
    return said === undefined || allowed?.length !== 1 || allowed.includes(said);
  });
}

/** What may stand there, in words. */
export function wordsOf(schema: Schema): string {
  const { type, minimum, maximum } = schema;
  const range = minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : "";
  const usual = schema.default === undefined || schema.default === null ? "" : `else ${JSON.stringify(schema.default)}`;
  return [type ?? (schema.enum === undefined ? "" : "one of"), range, usual].filter((word) => word !== "").join(", ");
}
