import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useClient } from "../client.js";
import { at } from "../queries.js";
import type { Project } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { useAct } from "../ui/useAct.js";

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly project: Project;
}

/** Deleting takes everything with it: the name is to be typed. */
export function DeleteProject({ opened, onClose, project }: Props) {
  const client = useClient();
  const [typed, setTyped] = useState("");
  const remove = useAct(() => client.call("DELETE", at(project.id)), [["projects"]], { quiet: true });
  return (
    <Modal opened={opened} onClose={onClose} title="Delete the project?">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          remove.mutate(undefined, { onSuccess: onClose });
        }}
      >
        <Stack>
          <Text size="sm">
            Its renders are cancelled, and its films, assets, automations and webhooks are gone for good.
          </Text>
          <FailureAlert failure={remove.error} />
          <TextInput
            label={`Type “${project.name}” to confirm`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            data-autofocus
            autoComplete="off"
          />
          <Group justify="flex-end">
            <Button type="submit" color="red" disabled={typed.trim() !== project.name} loading={remove.isPending}>
              Delete everything
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
