import { Button, Group, Modal, Stack, TextInput, Textarea } from "@mantine/core";
import { useNavigate } from "react-router";
import { useClient } from "../client.js";
import { at } from "../queries.js";
import type { Project } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { fieldsOf } from "../ui/fields.js";
import { formText } from "../ui/formText.js";
import { useAct } from "../ui/useAct.js";

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
  /** The one to change; a new one is made without it. */
  readonly project?: Project;
}

export function ProjectForm({ opened, onClose, project }: Props) {
  const client = useClient();
  const navigate = useNavigate();
  const save = useAct(
    (body: { name: string; description: string | null }) =>
      project === undefined
        ? client.call<Project>("POST", "/projects", { body })
        : client.call<Project>("PATCH", at(project.id), { body }),
    [["projects"], ["project"]],
    { quiet: true },
  );
  const wrong = fieldsOf(save.error);
  return (
    <Modal opened={opened} onClose={onClose} title={project === undefined ? "New project" : "Rename the project"}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const said = formText(event.currentTarget);
          const body = { name: said("name"), description: said("description") || null };
          save.mutate(body, {
            onSuccess: (saved) => {
              onClose();
              if (project === undefined) void navigate(`/projects/${saved.id}/renders`);
            },
          });
        }}
      >
        <Stack>
          <FailureAlert failure={save.error} without={["/name", "/description"]} />
          <TextInput
            name="name"
            label="Name"
            required
            data-autofocus
            defaultValue={project?.name}
            error={wrong["/name"]}
          />
          <Textarea
            name="description"
            label="Description"
            autosize
            minRows={2}
            defaultValue={project?.description ?? ""}
            error={wrong["/description"]}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending}>
              {project === undefined ? "Make it" : "Save"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
