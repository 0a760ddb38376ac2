import type { PartResult } from '../part.js'
export function writePlots(_parts: Record<string, PartResult>, _directory: string): string[] {
  return []
}
