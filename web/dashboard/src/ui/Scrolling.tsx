import type { ReactNode } from "react";
import styles from "./Scrolling.module.css";

/** Wide tables scroll by themselves, by keyboard too; the page does not. */
export const Scrolling = ({ label, children }: { readonly label: string; readonly children: ReactNode }) => (
  <div className={styles.scrolling} role="group" aria-label={label} tabIndex={0}>
    {children}
  </div>
);
