/** Files that earlier versions of the package wrote. */
import { existsSync } from 'node:fs'
import path from 'node:path'

/** The file's path below test/fixtures; compiled tests run from another directory. */
export function fixture(name: string): string {
  let root = import.meta.dirname
  while (!existsSync(path.join(root, 'package.json'))) {
    const parent = path.dirname(root)
    if (parent === root) throw new Error('no package.json above the tests')
    root = parent
  }
  return path.join(root, 'test/fixtures', name)
}
