import { Button, Group, Modal, Stack, Text, type ButtonProps } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState, type ReactNode } from "react";
import { FailureAlert } from "./FailureAlert.js";

interface Props extends ButtonProps {
  readonly question: string;
  readonly text: ReactNode;
  readonly verb: string;
  readonly onConfirm: () => Promise<unknown>;
  readonly children: ReactNode;
  readonly "aria-label"?: string;
}

/** A button for what cannot be taken back: it asks first. */
export function ConfirmButton({ question, text, verb, onConfirm, children, ...button }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const confirm = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await onConfirm();
      close();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {children}
      </Button>
      <Modal opened={opened} onClose={close} title={question}>
        <Stack>
          <Text size="sm" component="div">
            {text}
          </Text>
          <FailureAlert failure={failure} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Leave it
            </Button>
            <Button color="red" loading={busy} onClick={() => void confirm()} data-autofocus>
              {verb}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
