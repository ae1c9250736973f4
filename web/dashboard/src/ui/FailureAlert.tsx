import { Alert, Button, Code, List, Text } from "@mantine/core";
import { Problem } from "@renderowl/client";
import { IconAlertTriangle } from "@tabler/icons-react";
import { sentenceOf } from "./fields.js";

interface Props {
  readonly failure: unknown;
  /** Fields that say themselves what is wrong with them. */
  readonly without?: readonly string[];
  readonly onRetry?: () => void;
}

/** Why something did not work, with every field that is to blame; nothing when all is well. */
export function FailureAlert({ failure, without = [], onRetry }: Props) {
  if (failure === null || failure === undefined) return null;
  const problem = failure instanceof Problem ? failure : null;
  const errors = problem?.errors.filter(({ path }) => !without.includes(path)) ?? [];
  const wrong = problem?.errors.length ?? 0;
  const title = wrong === 0 ? sentenceOf(failure) : wrong === 1 ? "One field is wrong" : `${wrong} fields are wrong`;
  return (
    <Alert color="red" variant="light" role="alert" icon={<IconAlertTriangle aria-hidden />} title={title}>
      {errors.length > 0 && (
        <List size="sm" mb="xs">
          {errors.map(({ path, message }, index) => (
            <List.Item key={index}>
              <Code>{path === "" ? "/" : path}</Code> {message}
            </List.Item>
          ))}
        </List>
      )}
      {problem?.requestId !== undefined && (
        <Text size="xs" c="dimmed">
          {problem.code}, request {problem.requestId}
        </Text>
      )}
      {onRetry !== undefined && (
        <Button size="xs" variant="default" mt="xs" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
