import { Button, Center } from "@mantine/core";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Page } from "../types.js";
import { FailureAlert } from "./FailureAlert.js";
import { Waiting } from "./Waiting.js";

interface Props<Item> {
  readonly query: UseInfiniteQueryResult<InfiniteData<Page<Item>>>;
  /** What is shown while there is none. */
  readonly nothing: ReactNode;
  readonly children: (items: readonly Item[]) => ReactNode;
}

/** A list of the API as it comes: waiting, why not, nothing, what there is, and more of it. */
export function List<Item>({ query, nothing, children }: Props<Item>) {
  if (query.data === undefined) {
    return query.isError ? <FailureAlert failure={query.error} onRetry={() => void query.refetch()} /> : <Waiting />;
  }
  const items = query.data.pages.flatMap((page) => page.items);
  return (
    <>
      {items.length === 0 ? nothing : children(items)}
      {query.hasNextPage && (
        <Center mt="md">
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Show more
          </Button>
        </Center>
      )}
    </>
  );
}
