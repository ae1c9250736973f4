import { ActionIcon, Button, Group, Paper, Progress, Stack, Text } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { bytesText } from "../time/format.js";
import { sentenceOf } from "../ui/fields.js";
import { useUploads, type Sending } from "./uploads.js";

/** The files on their way, and what broke off. */
export function SendingList() {
  const { sendings } = useUploads();
  const shown = sendings.filter(({ state }) => state !== "sent");
  if (shown.length === 0) return null;
  return (
    <Stack gap="xs" component="section" aria-label="Uploads">
      {shown.map((sending) => (
        <Row key={sending.id} sending={sending} />
      ))}
    </Stack>
  );
}

function Row({ sending }: { readonly sending: Sending }) {
  const { retry, stop } = useUploads();
  const { file, sentBytes, state, failure } = sending;
  const percent = file.size === 0 ? 100 : (sentBytes / file.size) * 100;
  return (
    <Paper withBorder p="sm" bg="var(--surface)">
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={600} truncate>
          {file.name}
        </Text>
        <Group gap="xs" wrap="nowrap">
          <Text size="xs" c="dimmed">
            {bytesText(sentBytes)} of {bytesText(file.size)}
          </Text>
          {state === "broken" && (
            <Button size="compact-xs" variant="light" onClick={() => retry(sending)}>
              Go on
            </Button>
          )}
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`Stop sending ${file.name}`}
            onClick={() => stop(sending.id)}
          >
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
      </Group>
      <Progress.Root mt={6}>
        <Progress.Section
          value={percent}
          color={state === "broken" ? "red" : undefined}
          animated={state === "sending"}
          aria-label={`Sending ${file.name}`}
        />
      </Progress.Root>
      {state === "broken" && (
        <Text size="xs" c="var(--mantine-color-error)" mt={4} role="alert">
          {sentenceOf(failure)} What has arrived is kept.
        </Text>
      )}
    </Paper>
  );
}
