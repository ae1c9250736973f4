import { Alert, Button, Group, Modal, Stack } from "@mantine/core";
import { IconEye } from "@tabler/icons-react";
import { CopyText } from "./CopyText.js";

interface Props {
  readonly title: string;
  /** What is shown; nothing while it is null. */
  readonly secret: string | null;
  readonly onClose: () => void;
}

/** A secret that nobody can look up later: closed only on purpose. */
export const SecretOnce = ({ title, secret, onClose }: Props) => (
  <Modal opened={secret !== null} onClose={onClose} title={title} closeOnClickOutside={false} closeOnEscape={false}>
    <Stack>
      <Alert color="yellow" icon={<IconEye aria-hidden />} title="Shown this once">
        Keep it now: the server has nothing but a fingerprint of it.
      </Alert>
      {secret !== null && <CopyText text={secret} label="the secret" />}
      <Group justify="flex-end">
        <Button onClick={onClose}>I have it</Button>
      </Group>
    </Stack>
  </Modal>
);
