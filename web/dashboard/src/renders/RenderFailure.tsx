import { Alert, Code, List } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { Render } from "../types.js";

/** Why a render failed, and whose fault it was. */
export const RenderFailure = ({ error }: { readonly error: NonNullable<Render["error"]> }) => (
  <Alert color="red" mt="md" icon={<IconAlertTriangle aria-hidden />} title={error.message}>
    <Code>{error.code}</Code> {error.retryable ? "It may be tried again." : "Trying again will not help."}
    {error.errors !== undefined && error.errors.length > 0 && (
      <List size="sm" mt="xs">
        {error.errors.map(({ path, message }, index) => (
          <List.Item key={index}>
            <Code>{path}</Code> {message}
          </List.Item>
        ))}
      </List>
    )}
  </Alert>
);
