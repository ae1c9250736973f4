import { useEffect } from "react";

/** What the tab is called, and what a screen reader says when the page changes. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · RenderOwl`;
  }, [title]);
}
