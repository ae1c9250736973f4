import { Badge, Button, Card, FileButton, Group, Text, UnstyledButton } from "@mantine/core";
import { useInViewport } from "@mantine/hooks";
import { IconFileText, IconMovie, IconMusic, IconPhoto, IconTypography, type Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { bytesText, secondsText } from "../time/format.js";
import type { Asset } from "../types.js";
import styles from "./AssetCard.module.css";
import { useUploads } from "./uploads.js";
import { useAssetUrl } from "./useAssetUrl.js";

const SIGNS: Readonly<Record<Asset["type"], Icon>> = {
  video: IconMovie,
  audio: IconMusic,
  image: IconPhoto,
  subtitle: IconFileText,
  font: IconTypography,
};
const COLORS: Readonly<Record<Asset["status"], string>> = {
  pending: "yellow",
  processing: "blue",
  ready: "green",
  failed: "red",
};

/** An asset with its picture; one that broke off can be gone on with by choosing its file again. */
export function AssetCard({ asset, onShow }: { readonly asset: Asset; readonly onShow: () => void }) {
  return (
    <Card component="li" withBorder padding="sm" bg="var(--surface)" data-asset={asset.id}>
      <Card.Section>
        <UnstyledButton className={styles.picture} onClick={onShow} aria-label={`Show ${asset.name}`}>
          <Picture asset={asset} />
        </UnstyledButton>
      </Card.Section>
      <Text size="sm" fw={600} mt="xs" truncate title={asset.name}>
        {asset.name}
      </Text>
      <Group justify="space-between" gap={4} mt={2}>
        <Text size="xs" c="dimmed">
          {factsOf(asset)}
        </Text>
        {asset.status !== "ready" && (
          <Badge size="sm" variant="light" color={COLORS[asset.status]}>
            {asset.status}
          </Badge>
        )}
      </Group>
      <Unfinished asset={asset} />
    </Card>
  );
}

function Unfinished({ asset }: { readonly asset: Asset }): ReactNode {
  const { sendings, goOn } = useUploads();
  const error = asset.error as { message?: string } | null;
  if (asset.status === "failed") {
    return (
      <Text size="xs" c="var(--mantine-color-error)" mt={4}>
        {error?.message ?? "It cannot be used."}
      </Text>
    );
  }
  if (asset.status !== "pending" || sendings.some(({ assetId }) => assetId === asset.id)) return null;
  return (
    <FileButton onChange={(file) => file !== null && goOn(asset.id, file)}>
      {(props) => (
        <Button {...props} size="compact-xs" variant="light" mt="xs">
          Go on: choose the file again
        </Button>
      )}
    </FileButton>
  );
}

/** Pictures are fetched when they are seen: each takes a signed URL. */
function Picture({ asset }: { readonly asset: Asset }) {
  const { ref, inViewport } = useInViewport();
  const isSeen = asset.type === "image" || asset.type === "video";
  const { data } = useAssetUrl(asset, inViewport && isSeen && asset.status === "ready");
  const Sign = SIGNS[asset.type];
  return (
    <span ref={ref} className={styles.frame}>
      {data === undefined ? <Sign size={36} stroke={1.3} aria-hidden /> : <Still url={data.url} type={asset.type} />}
    </span>
  );
}

/** A picture, or of a film the first one: the browser reads no more of it than it must. */
function Still({ url, type }: { readonly url: string; readonly type: Asset["type"] }) {
  if (type === "image") return <img src={url} alt="" loading="lazy" />;
  return <video src={`${url}#t=0.001`} preload="metadata" muted playsInline tabIndex={-1} aria-hidden />;
}

/** What one wants to know of it first. */
export function factsOf({ metadata, size_bytes: size }: Asset): string {
  const { width = 0, height = 0, duration_s: lasts } = (metadata ?? {}) as Record<string, number | undefined>;
  const facts = [
    width > 0 && height > 0 ? `${width}×${height}` : null,
    lasts !== undefined && lasts > 0 ? secondsText(lasts) : null,
    bytesText(size),
  ];
  return facts.filter((fact) => fact !== null).join(" · ");
}
