import { ActionIcon, Popover, Select } from "@mantine/core";
import { IconWorld } from "@tabler/icons-react";
import { LOCAL, ZONES, useZone } from "../time/zone.js";

/** In which time zone moments are told. */
export function ZonePicker() {
  const { zone, setZone } = useZone();
  return (
    <Popover width={280} position="bottom-end" shadow="md" trapFocus>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Time zone: ${zone}`}>
          <IconWorld size={20} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Select
          label="Time zone"
          description="Moments are told in it"
          searchable
          allowDeselect={false}
          limit={50}
          comboboxProps={{ withinPortal: false }}
          value={zone}
          onChange={(chosen) => chosen !== null && setZone(chosen)}
          data={ZONES.map((value) => ({ value, label: value === LOCAL ? `${value} (here)` : value }))}
        />
      </Popover.Dropdown>
    </Popover>
  );
}
