import { Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import styles from "./Page.module.css";
import { useTitle } from "./useTitle.js";

interface Props {
  readonly title: string;
  /** Beside the title. */
  readonly mark?: ReactNode;
  readonly text?: ReactNode;
  /** What can be done here. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, mark, text, actions, children }: Props) {
  useTitle(title);
  return (
    <div className={styles.page}>
      <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
        <Stack gap={2} miw={0}>
          <Group gap="sm">
            <Title order={1} size="h2" className={styles.title}>
              {title}
            </Title>
            {mark}
          </Group>
          {text !== undefined && (
            <Text c="dimmed" size="sm" component="div">
              {text}
            </Text>
          )}
        </Stack>
        <Group gap="xs">{actions}</Group>
      </Group>
      {children}
    </div>
  );
}
