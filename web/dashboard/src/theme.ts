import { Menu, Modal, Drawer, Table, createTheme } from "@mantine/core";

/** Locking the scroll behind a dialog would write a <style> into the page, which its policy forbids. */
const unlocked = { lockScroll: false };

export const theme = createTheme({
  primaryColor: "indigo",
  autoContrast: true,
  cursorType: "pointer",
  defaultRadius: "md",
  respectReducedMotion: true,
  components: {
    Modal: Modal.extend({ defaultProps: { ...unlocked, centered: true, closeButtonProps: { "aria-label": "Close" } } }),
    Drawer: Drawer.extend({ defaultProps: { ...unlocked, closeButtonProps: { "aria-label": "Close" } } }),
    Menu: Menu.extend({ defaultProps: { shadow: "md", withinPortal: true } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: "sm", horizontalSpacing: "md", highlightOnHover: true } }),
  },
});
