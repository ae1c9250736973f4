/** Read JSON that is being typed: what is not there yet is taken for null, what is open is closed. */
export function looseParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return reread(text);
  }
}

const TOKEN = /"(?:[^"\\\n]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/g;

function reread(text: string): unknown {
  const tokens = text.match(TOKEN) ?? [];
  let next = 0;
  const value = (): unknown => {
    const token = tokens[next];
    if (token === undefined || token === "," || token === "}" || token === "]" || token === ":") return null;
    next += 1;
    if (token === "{") return object();
    if (token === "[") return array();
    return scalar(token);
  };
  const object = (): Record<string, unknown> => {
    const found: Record<string, unknown> = {};
    for (; next < tokens.length && tokens[next] !== "}";) {
      const token = tokens[next++] ?? "";
      if (!token.startsWith('"')) continue;
      const name = scalar(token);
      if (tokens[next] !== ":") continue;
      next += 1;
      found[String(name)] = value();
    }
    next += 1;
    return found;
  };
  const array = (): unknown[] => {
    const found: unknown[] = [];
    for (; next < tokens.length && tokens[next] !== "]";) {
      if (tokens[next] === ",") next += 1;
      else {
        const before = next;
        found.push(value());
        if (next === before) next += 1; // what belongs nowhere
      }
    }
    next += 1;
    return found;
  };
  return value();
}

function scalar(token: string): unknown {
  try {
    return JSON.parse(token);
  } catch {
    return token.startsWith('"') ? token.slice(1) : null;
  }
}
