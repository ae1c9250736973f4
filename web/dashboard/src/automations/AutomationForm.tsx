import { Button, Group, Input, Modal, MultiSelect, Paper, Select, Stack, TextInput } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useClient } from "../client.js";
import { at } from "../queries.js";
import { ZONES, useZone } from "../time/zone.js";
import type { Automation, AutomationMade } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { fieldsOf } from "../ui/fields.js";
import { formText } from "../ui/formText.js";
import { useAct } from "../ui/useAct.js";
import { Waiting } from "../ui/Waiting.js";
import { ASSET_TYPES, ENDS, TRIGGERS, triggerOf, type TriggerType } from "./trigger.js";
import styles from "./AutomationForm.module.css";

const JsonEditor = lazy(() => import("../editor/JsonEditor.js").then((found) => ({ default: found.JsonEditor })));

const EXAMPLE = [
  {
    type: "create_render",
    composition_id: "timeline",
    input_props: { tracks: [{ clips: [{ type: "text", text: "Hello {{trigger.name}}", duration: 3 }] }] },
  },
];

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly projectId: string;
  /** The one to change; a new one is made without it. */
  readonly automation?: Automation;
  readonly onSecret: (secret: string) => void;
}

export const AutomationForm = (props: Props) => (
  <Modal
    opened={props.opened}
    onClose={props.onClose}
    size="xl"
    title={props.automation === undefined ? "New automation" : "Change the automation"}
  >
    <Form {...props} />
  </Modal>
);

function Form({ onClose, projectId, automation, onSecret }: Props) {
  const client = useClient();
  const { zone } = useZone();
  const before = automation?.trigger;
  const [type, setType] = useState<TriggerType>(before?.type ?? "schedule");
  const [timezone, setTimezone] = useState(before?.type === "schedule" ? before.timezone : zone);
  const [among, setAmong] = useState<string[]>(
    before?.type === "asset_upload"
      ? (before.asset_types ?? [])
      : before?.type === "render_finished"
        ? (before.statuses ?? [])
        : [],
  );
  const [begin] = useState(() => JSON.stringify(automation?.actions ?? EXAMPLE, null, 2));
  const [actions, setActions] = useState(begin);
  const save = useAct(
    (body: object) =>
      automation === undefined
        ? client.call<AutomationMade>("POST", at(projectId, "automations"), { body })
        : client.call<AutomationMade>("PATCH", at(projectId, "automations", automation.id), { body }),
    [["automations", projectId]],
    { quiet: true },
  );
  const wrong = fieldsOf(save.error);
  const submit = (form: HTMLFormElement) => {
    const said = formText(form);
    const trigger = triggerOf(type, { cron: said("cron"), timezone, among });
    const body = { name: said("name"), trigger, actions: JSON.parse(actions) as unknown };
    save.mutate(body, {
      onSuccess: ({ secret }) => {
        onClose();
        if (secret != null) onSecret(secret);
      },
    });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      <Stack>
        <FailureAlert failure={save.error} without={["/name", "/trigger/cron"]} />
        <TextInput
          name="name"
          label="Name"
          required
          data-autofocus
          defaultValue={automation?.name}
          error={wrong["/name"]}
        />
        <Select
          label="It is triggered by"
          allowDeselect={false}
          value={type}
          onChange={(chosen) => {
            if (chosen === null) return;
            setType(chosen);
            setAmong(chosen === "render_finished" ? ["completed"] : []);
          }}
          data={(Object.keys(TRIGGERS) as TriggerType[]).map((value) => ({ value, label: TRIGGERS[value] }))}
        />
        {type === "schedule" && (
          <Group grow align="flex-start">
            <TextInput
              name="cron"
              label="When"
              description="Minute, hour, day, month, weekday"
              required
              defaultValue={before?.type === "schedule" ? before.cron : "0 9 * * MON-FRI"}
              error={wrong["/trigger/cron"]}
            />
            <Select
              label="In the time of"
              description="Its clock changes are followed"
              searchable
              allowDeselect={false}
              limit={50}
              data={ZONES}
              value={timezone}
              onChange={(chosen) => chosen !== null && setTimezone(chosen)}
            />
          </Group>
        )}
        {(type === "asset_upload" || type === "render_finished") && (
          <MultiSelect
            label={type === "asset_upload" ? "Of these types" : "When it is"}
            placeholder={type === "asset_upload" && among.length === 0 ? "all" : ""}
            data={type === "asset_upload" ? [...ASSET_TYPES] : [...ENDS]}
            value={among}
            onChange={setAmong}
          />
        )}
        <Input.Wrapper
          label="Actions"
          description="What is done, in order; {{trigger.…}} is filled in"
          labelElement="div"
        >
          <Paper withBorder mt={6} className={styles.editor}>
            <Suspense fallback={<Waiting />}>
              <JsonEditor label="Actions as JSON" text={begin} onChange={setActions} />
            </Suspense>
          </Paper>
        </Input.Wrapper>
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending} disabled={!isList(actions)}>
            {automation === undefined ? "Make it" : "Save"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function isList(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}
