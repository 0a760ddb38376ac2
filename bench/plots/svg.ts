/**
 * Shared by all plots: a frame, axes and colours as plain SVG text. Colours come from a style sheet inside
 * the file that follows the reader's light or dark setting, so a page can show the file as an image in both.
 */

export const width = 860

export interface Frame {
  title: string
  subtitle: string
  height: number
  body: string
}

const light = [
  '#1f6feb',
  '#c9510c',
  '#1a7f37',
  '#8250df',
  '#bf3989',
  '#6e7781',
  '#0b8a8f',
  '#9a6700',
]
const dark = [
  '#58a6ff',
  '#f0883e',
  '#3fb950',
  '#bc8cff',
  '#f778ba',
  '#8b949e',
  '#39c5cf',
  '#d29922',
]

function coloursOf(colours: readonly string[]): string {
  return colours
    .map(
      (colour, index) => `.s${String(index)}{stroke:${colour}}.f${String(index)}{fill:${colour}}`,
    )
    .join('')
}

export function text(
  x: number,
  y: number,
  content: string,
  options: { anchor?: 'start' | 'middle' | 'end'; kind?: string } = {},
): string {
  const { anchor = 'start', kind = 'ink' } = options
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" class="${kind}">${escaped}</text>`
}

export function rule(x1: number, y1: number, x2: number, y2: number, kind = 'grid'): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" class="${kind}"/>`
}

export function svg({ title, subtitle, height, body }: Frame): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" role="img" aria-label="${title}">
<style>
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif}
.ink{fill:#1f2328}.soft{fill:#59636e}.title{fill:#1f2328;font-size:17px;font-weight:600}
.back{fill:#ffffff}.grid{stroke:#d1d9e0;stroke-width:1}.goal{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:5 4}
.goaltext{fill:#cf222e}.span{stroke:#1f2328;stroke-width:1.5}.curve{fill:none;stroke-width:2}
${coloursOf(light)}
@media (prefers-color-scheme:dark){
.ink,.title{fill:#e6edf3}.soft{fill:#9198a1}.back{fill:#0d1117}.grid{stroke:#3d444d}
.goal{stroke:#ff7b72}.goaltext{fill:#ff7b72}.span{stroke:#e6edf3}
${coloursOf(dark)}
}
</style>
<rect class="back" width="${String(width)}" height="${String(height)}"/>
${text(24, 32, title, { kind: 'title' })}
${text(24, 52, subtitle, { kind: 'soft' })}
${body}
</svg>
`
}
