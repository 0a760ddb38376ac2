// Removes everything that a build or a test run made.
import { rmSync } from 'node:fs'

for (const directory of ['build', 'dist', '.build', '.test-dist', '.tap']) {
  rmSync(new URL(`../${directory}`, import.meta.url), { recursive: true, force: true })
}
