import { Group, Paper, Title } from "@mantine/core";
import { useId, type ReactNode } from "react";

interface Props {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** Without a margin around what is in it: tables and pictures. */
  readonly flush?: boolean;
}

/** A part of a page with a name. */
export function Panel({ title, actions, children, flush = false }: Props) {
  const id = useId();
  return (
    <Paper component="section" aria-labelledby={id} withBorder bg="var(--surface)" miw={0}>
      <Group justify="space-between" px="md" pt="sm" pb={flush ? "xs" : 0} mih={44}>
        <Title order={2} size="h5" id={id}>
          {title}
        </Title>
        {actions}
      </Group>
      <div style={flush ? undefined : { padding: "var(--mantine-spacing-md)" }}>{children}</div>
    </Paper>
  );
}
