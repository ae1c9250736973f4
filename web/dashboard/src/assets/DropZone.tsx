import { Button, FileButton, Group, Text } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useState, type DragEvent } from "react";
import styles from "./DropZone.module.css";
import { useUploads } from "./uploads.js";

const ACCEPTED = "video/*,audio/*,image/*,.srt,.vtt,.json,.ttf,.otf,.mkv";

/** Files are dropped here, or chosen by a button. */
export function DropZone() {
  const { send } = useUploads();
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    send([...event.dataTransfer.files]);
  };
  return (
    <div
      className={styles.zone}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      data-testid="drop"
    >
      <Group justify="center" gap="sm">
        <IconUpload size={22} stroke={1.6} aria-hidden />
        <Text size="sm">Drop videos, pictures, sounds, captions and fonts here, or</Text>
        <FileButton multiple accept={ACCEPTED} onChange={send}>
          {(props) => (
            <Button {...props} variant="default" size="xs">
              Choose files
            </Button>
          )}
        </FileButton>
      </Group>
    </div>
  );
}
