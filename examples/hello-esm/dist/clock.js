// Loaded by index.js when a clock is first placed.

/** Shows the time in `element` until the returned function is called. */
export function startClock(element, { seconds = true, timeZone = "UTC" } = {}) {
  const format = new Intl.DateTimeFormat(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: seconds ? "2-digit" : undefined,
    timeZone,
  });
  const show = () => {
    element.textContent = format.format(new Date());
  };
  show();
  const timer = setInterval(show, 1000);
  return () => clearInterval(timer);
}
