import { ActionIcon, Code, CopyButton, Group, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import styles from "./CopyText.module.css";

/** A text to be taken elsewhere. */
export const CopyText = ({ text, label }: { readonly text: string; readonly label: string }) => (
  <Group gap={6} wrap="nowrap" align="flex-start">
    <Code className={styles.text}>{text}</Code>
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : "Copy"}>
          <ActionIcon variant="subtle" color="gray" aria-label={copied ? "Copied" : `Copy ${label}`} onClick={copy}>
            {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  </Group>
);
