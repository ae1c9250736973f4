import { Button, Checkbox, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useClient } from "../client.js";
import { useMe } from "../session/useMe.js";
import type { Key } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { fieldsOf } from "../ui/fields.js";
import { formText } from "../ui/formText.js";
import { useAct } from "../ui/useAct.js";

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onMade: (secret: string) => void;
}

export function KeyForm({ opened, onClose, onMade }: Props) {
  const client = useClient();
  const me = useMe();
  const [scopes, setScopes] = useState<string[]>(["read", "write"]);
  const make = useAct((body: object) => client.call<Key>("POST", "/keys", { body }), [["keys"]], { quiet: true });
  const wrong = fieldsOf(make.error);
  const possible = me.data?.role === "admin" ? ["read", "write", "admin"] : ["read", "write"];
  return (
    <Modal opened={opened} onClose={onClose} title="New key">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const said = formText(event.currentTarget);
          const until = said("expires_at");
          const expires = until === "" ? null : new Date(until).toISOString();
          make.mutate(
            { name: said("name"), scopes, expires_at: expires },
            {
              onSuccess: ({ key }) => {
                onClose();
                onMade(key ?? "");
              },
            },
          );
        }}
      >
        <Stack>
          <FailureAlert failure={make.error} without={["/name", "/expires_at", "/scopes"]} />
          <TextInput name="name" label="Name" required data-autofocus error={wrong["/name"]} />
          <Checkbox.Group label="It may" value={scopes} onChange={setScopes} error={wrong["/scopes"]}>
            <Group mt={6}>
              {possible.map((scope) => (
                <Checkbox key={scope} value={scope} label={scope} />
              ))}
            </Group>
          </Checkbox.Group>
          <TextInput
            name="expires_at"
            type="datetime-local"
            label="Ends"
            description="In this device's time; empty: never"
            error={wrong["/expires_at"]}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={make.isPending} disabled={scopes.length === 0}>
              Make it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
