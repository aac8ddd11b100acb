// The mini-program has WeChat's own title bar (titles come from each page's config).
interface HeadProps {
  title: string
  tab: boolean
}

export function Head(_props: HeadProps): null {
  return null
}
