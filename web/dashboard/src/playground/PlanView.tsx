import { Badge, Group, Stack, Text } from "@mantine/core";
import { CommandsPanel } from "../plan/CommandsPanel.js";
import { PlanPicture } from "../plan/PlanPicture.js";
import { bytesText, secondsText } from "../time/format.js";
import type { Plan } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Panel } from "../ui/Panel.js";
import { planMark } from "./planMark.js";

interface Props {
  readonly plan: Plan | undefined;
  readonly svg: string | undefined;
  readonly failure: unknown;
  /** A newer one is on its way. */
  readonly asking: boolean;
  readonly readable: boolean;
}

/** What the request would do, or what hinders it. */
export function PlanView({ plan, svg, failure, asking, readable }: Props) {
  const mark = (
    <Text size="xs" c="dimmed" role="status">
      {planMark(asking, failure != null, readable)}
    </Text>
  );
  return (
    <Stack miw={0}>
      <FailureAlert failure={failure} />
      <Panel title="Plan" actions={mark} flush>
        {plan !== undefined && <Estimates plan={plan} />}
        {(svg !== undefined || failure == null) && <PlanPicture svg={svg} />}
      </Panel>
      {plan !== undefined && <CommandsPanel plan={plan} />}
    </Stack>
  );
}

function Estimates({ plan }: { readonly plan: Plan }) {
  const { estimate, cache } = plan;
  const facts = [
    `${secondsText(plan.duration_s)}, ${plan.total_frames} frames`,
    estimate.wall_seconds === null ? null : `${between(estimate.wall_seconds, secondsText)} to render`,
    estimate.bytes === null ? null : between(estimate.bytes, bytesText),
    `${cache.reused} of ${cache.segments} segments cached`,
  ].filter((fact) => fact !== null);
  return (
    <Group gap="xs" px="md" pb="sm">
      {facts.map((fact) => (
        <Badge key={fact} variant="light" color="gray" tt="none" fw={500}>
          {fact}
        </Badge>
      ))}
    </Group>
  );
}

function between(
  { low, high }: { readonly low: number; readonly high: number },
  text: (value: number) => string,
): string {
  const [from, to] = [text(low), text(high)];
  return from === to ? from : `${from} to ${to}`;
}
