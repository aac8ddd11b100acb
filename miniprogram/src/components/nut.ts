// The NutUI components in use, each with its style. Imported by path: the package's index would
// pull every component (and a player that needs eval) through the build.
import '@nutui/nutui-react-taro/dist/es/packages/overlay/style/style.css'
import '@nutui/nutui-react-taro/dist/es/packages/popup/style/style.css'
import '@nutui/nutui-react-taro/dist/es/packages/skeleton/style/style.css'
import '@nutui/nutui-react-taro/dist/es/packages/switch/style/style.css'

export { default as Popup } from '@nutui/nutui-react-taro/dist/es/packages/popup/index'
export { default as Skeleton } from '@nutui/nutui-react-taro/dist/es/packages/skeleton/index'
export { default as Switch } from '@nutui/nutui-react-taro/dist/es/packages/switch/index'
