/** Ends this process when its parent is gone: what the torture starts must not outlive a killed torture. */
const checkMs = 500

export function leaveWithParent(): void {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1)
  }, checkMs).unref()
}
