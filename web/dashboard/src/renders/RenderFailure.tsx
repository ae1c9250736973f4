import { Alert, Code, List } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { Render } from "../types.js";

/** Why a render failed, and whose fault it was. */
export function RenderFailure({ error }: { readonly error: NonNullable<Render["error"]> }) {
  const fields = error.errors ?? [];
  return (
    <Alert
      color="red"
      mt="md"
      icon={<IconAlertTriangle aria-hidden />}
      title={fields.length === 0 ? error.message : "What it was asked for cannot be had"}
    >
      <Code>{error.code}</Code> {error.retryable ? "It may be tried again." : "Trying again will not help."}
      {fields.length > 0 && (
        <List size="sm" mt="xs">
          {fields.map(({ path, message }, index) => (
            <List.Item key={index}>
              <Code>{path}</Code> {message}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}
