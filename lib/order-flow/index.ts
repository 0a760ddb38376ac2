export { compareBooks, type BookComparison } from './compare-books.js'
export { detectFormat, flowFormats, type FlowFormat } from './detect-format.js'
export { openFlowFile, type FlowFileOptions } from './file-source.js'
export type { FlowCounts } from './flow-counts.js'
export {
  FlowKind,
  NoteReason,
  emptyOperation,
  type FlowOperation,
  type FlowOrderId,
} from './flow-operation.js'
export type { FlowPolicies, FlowPolicy } from './flow-policy.js'
export { FlowPositions, type FlowPosition } from './flow-positions.js'
export { countRecovered } from './flow-resume.js'
export { runFlow, type FlowProgress, type FlowRunOptions, type FlowRunResult } from './flow-run.js'
export type { FlowSource } from './flow-source.js'
export {
  FlowGenerator,
  GeneratedFlow,
  generatedInstruments,
  type GeneratedFlowOptions,
  type GeneratorOptions,
} from './generator.js'
export { ReferenceBook, type ReferenceLevel, type ReferenceOrder } from './reference-book.js'
