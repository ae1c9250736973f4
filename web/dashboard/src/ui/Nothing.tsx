import { Stack, Text, ThemeIcon } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface Props {
  readonly icon: Icon;
  readonly title: string;
  readonly text?: string;
  readonly children?: ReactNode;
}

/** What is shown where there is nothing yet, and how to change that. */
export const Nothing = ({ icon: Sign, title, text, children }: Props) => (
  <Stack align="center" gap="sm" py={64} px="md">
    <ThemeIcon size={64} radius="xl" variant="light">
      <Sign size={32} stroke={1.5} aria-hidden />
    </ThemeIcon>
    <Text fw={600} size="lg" ta="center">
      {title}
    </Text>
    {text !== undefined && (
      <Text c="dimmed" ta="center" maw={460}>
        {text}
      </Text>
    )}
    {children}
  </Stack>
);
