// The part of the window one can see: on a phone the keyboard covers the rest without the page being told otherwise.
// The stylesheet lays everything out inside it.

export function followVisibleWindow(): void {
  const visible = window.visualViewport;
  if (visible === null) return;
  const root = document.documentElement.style;
  const follow = () => {
    // Zoomed in by hand, the page stays as it is: laying it out into the lens would undo the zoom.
    if (visible.scale > 1.01) return;
    root.setProperty("--visible-height", `${visible.height}px`);
    root.setProperty("--visible-top", `${visible.offsetTop}px`);
  };
  visible.addEventListener("resize", follow);
  visible.addEventListener("scroll", follow);
  follow();
}
