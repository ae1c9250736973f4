import { Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useClient } from "../client.js";
import type { Key } from "../types.js";
import { ConfirmButton } from "../ui/ConfirmButton.js";
import { useAct } from "../ui/useAct.js";
import { UsageChart } from "./UsageChart.js";

const GRACES = [
  { value: "0", label: "ends at once" },
  { value: "3600", label: "lives on for an hour" },
  { value: "86400", label: "lives on for a day" },
  { value: "604800", label: "lives on for a week" },
];

/** What it was used for, another in its place, and its end. */
export function KeyActions({
  apiKey: key,
  onSecret,
}: {
  readonly apiKey: Key;
  readonly onSecret: (secret: string) => void;
}) {
  const client = useClient();
  const [seen, setSeen] = useState(false);
  const [grace, setGrace] = useState("86400");
  const rotate = useAct(
    () => client.call<Key>("POST", `/keys/${key.id}/rotate`, { body: { grace_s: Number(grace) } }),
    [["keys"]],
    { quiet: true },
  );
  const revoke = useAct(() => client.call("DELETE", `/keys/${key.id}`), [["keys"]], { quiet: true });
  const alive = key.revoked_at == null;
  return (
    <Group gap={6} wrap="nowrap">
      <Button size="compact-sm" variant="default" onClick={() => setSeen(true)} aria-label={`Usage of ${key.name}`}>
        Usage
      </Button>
      {alive && (
        <>
          <ConfirmButton
            size="compact-sm"
            aria-label={`Rotate ${key.name}`}
            question={`Rotate “${key.name}”?`}
            verb="Rotate it"
            text={
              <Stack gap="sm">
                <Text size="sm">There will be a new key that may do the same.</Text>
                <Select
                  label="The old one"
                  data={GRACES}
                  value={grace}
                  allowDeselect={false}
                  onChange={(chosen) => chosen !== null && setGrace(chosen)}
                />
              </Stack>
            }
            onConfirm={async () => onSecret((await rotate.mutateAsync()).key ?? "")}
          >
            Rotate
          </ConfirmButton>
          <ConfirmButton
            size="compact-sm"
            aria-label={`Revoke ${key.name}`}
            question={`Revoke “${key.name}”?`}
            verb="Revoke it"
            text="It is refused from now on, and so are the tokens it made."
            onConfirm={() => revoke.mutateAsync()}
          >
            Revoke
          </ConfirmButton>
        </>
      )}
      <Modal opened={seen} onClose={() => setSeen(false)} title={`Usage of ${key.name}`} size="lg">
        <UsageChart keyId={key.id} />
      </Modal>
    </Group>
  );
}
