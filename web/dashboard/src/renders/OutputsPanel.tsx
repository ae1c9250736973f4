import { ActionIcon, Group, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useClient } from "../client.js";
import { bytesText, secondsText } from "../time/format.js";
import type { OutputFile, Render } from "../types.js";
import { Panel } from "../ui/Panel.js";
import { useAct } from "../ui/useAct.js";

/** The files a render made, to be taken away. */
export function OutputsPanel({ render }: { readonly render: Render }) {
  const client = useClient();
  const fetchFile = useAct(async (name: string) => {
    const { url } = await client.outputUrl(render.project_id, render.id, name);
    location.assign(url); // it is sent as an attachment: the page stays
  }, []);
  const files = render.output?.outputs ?? [];
  if (files.length === 0) return null;
  return (
    <Panel title={files.length === 1 ? "File" : "Files"}>
      <Stack gap="xs">
        {files.map((file) => (
          <Group key={file.name} justify="space-between" wrap="nowrap">
            <div>
              <Text size="sm" fw={600}>
                {file.name}
              </Text>
              <Text size="xs" c="dimmed">
                {factsOf(file)}
              </Text>
            </div>
            <ActionIcon
              variant="light"
              size="lg"
              aria-label={`Download ${file.name}`}
              onClick={() => fetchFile.mutate(file.name)}
            >
              <IconDownload size={18} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}

function factsOf({ width, height, fps, duration_s: lasts, size_bytes: size }: OutputFile): string {
  const facts = [
    width != null && height != null ? `${width}×${height}` : null,
    fps != null ? `${fps} fps` : null,
    lasts != null ? secondsText(lasts) : null,
    bytesText(size),
  ];
  return facts.filter((fact) => fact !== null).join(" · ");
}
