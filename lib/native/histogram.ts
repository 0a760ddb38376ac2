/** A distribution of the addon's, in nanoseconds or entries. */
export interface NativeHistogram {
  /** Upper bounds (ns) and counts of the non-empty buckets, ascending; relative error below 1/64. */
  upperBounds: Float64Array
  counts: Float64Array
  min: number
  max: number
  count: number
}
