import { Button, Group, Paper, Select, Stack, Switch } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Problem } from "@renderowl/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { useClient } from "../client.js";
import { JsonEditor } from "../editor/JsonEditor.js";
import { usePlan, usePlanPicture } from "../plan/usePlan.js";
import { rendersKey, schemaOptions } from "../queries.js";
import type { FieldError, RenderRequest } from "../types.js";
import { Page } from "../ui/Page.js";
import { useAct } from "../ui/useAct.js";
import { PlanView } from "./PlanView.js";
import styles from "./Playground.module.css";
import { requestOf, textOf, watchable } from "./request.js";

/** How long nobody types before the plan is asked for: accounts may ask so often a minute. */
const PAUSE_MS = 900;
const NONE: readonly FieldError[] = [];

interface Props {
  readonly projectId: string;
  readonly compositionId: string;
  readonly text: string;
}

export function Playground({ projectId, ...begin }: Props) {
  const client = useClient();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [compositionId, setCompositionId] = useState(begin.compositionId);
  const [text, setText] = useState(begin.text);
  const [watch, setWatch] = useState(true);
  const [paused] = useDebouncedValue(text, PAUSE_MS);

  const compositions = useQuery({
    queryKey: ["compositions"],
    queryFn: ({ signal }) =>
      client.call<{ items: { id: string; title: string }[] }>("GET", "/compositions", { signal }),
    staleTime: Infinity,
  });
  const schema = useQuery(schemaOptions(client, compositionId));
  const request = useMemo(() => requestOf(compositionId, paused), [compositionId, paused]);
  const plan = usePlan(projectId, request);
  // A picture of what cannot be planned would be refused for the same reasons.
  const picture = usePlanPicture(projectId, plan.isSuccess && !plan.isPlaceholderData ? request : null);
  const submit = useAct(
    (spec: RenderRequest) => client.createRender(projectId, watch ? watchable(spec) : spec),
    [rendersKey(projectId), ["project", projectId]],
    { quiet: true },
  );
  const failure = submit.error ?? plan.error;
  const problems = failure instanceof Problem ? failure.errors : NONE;

  /** Another composition begins with its example. */
  const choose = async (id: string) => {
    const { examples = [] } = await queries.query(schemaOptions(client, id));
    setCompositionId(id);
    setText(id === begin.compositionId ? begin.text : textOf(examples[0] ?? { input_props: {} }));
  };

  const render = () => {
    const now = requestOf(compositionId, text);
    if (now === null) return;
    submit.mutate(now, { onSuccess: ({ id }) => void navigate(`/projects/${projectId}/renders/${id}`) });
  };

  return (
    <Page
      title="Playground"
      text="What it would do is planned as you type; Ctrl-Space helps."
      actions={
        <Group gap="sm">
          <Select
            aria-label="Composition"
            w={190}
            allowDeselect={false}
            value={compositionId}
            onChange={(chosen) => chosen !== null && void choose(chosen)}
            data={compositions.data?.items.map(({ id, title }) => ({ value: id, label: title })) ?? [compositionId]}
          />
          <Button
            leftSection={<IconPlayerPlay size={18} aria-hidden />}
            loading={submit.isPending}
            disabled={requestOf(compositionId, text) === null}
            onClick={render}
          >
            Render
          </Button>
        </Group>
      }
    >
      <div className={styles.halves}>
        <Paper withBorder bg="var(--surface)" className={styles.editor}>
          <JsonEditor
            label="Request as JSON"
            text={text}
            revision={compositionId}
            schema={schema.data}
            problems={problems}
            onChange={setText}
          />
        </Paper>
        <Stack miw={0}>
          <Switch
            label="Watch it while it renders"
            checked={watch}
            onChange={(event) => setWatch(event.currentTarget.checked)}
          />
          <PlanView
            plan={plan.data}
            svg={picture.data}
            failure={failure}
            asking={paused !== text || plan.isFetching}
            readable={request !== null}
          />
        </Stack>
      </div>
    </Page>
  );
}
