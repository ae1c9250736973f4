import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { sentenceOf } from "./fields.js";

/** Do something on the server; what it may have changed is asked for again, and a failure is told. */
export function useAct<Given = void, Result = unknown>(
  act: (given: Given) => Promise<Result>,
  changes: readonly (readonly unknown[])[],
  { quiet = false } = {},
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => Promise.all(changes.map((queryKey) => queries.invalidateQueries({ queryKey }))),
    onError: (error) => {
      if (!quiet) notifications.show({ color: "red", title: "That did not work", message: sentenceOf(error) });
    },
  });
}
