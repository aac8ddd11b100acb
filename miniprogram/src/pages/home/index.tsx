import { View } from '@tarojs/components'
import { Button } from '@nutui/nutui-react-taro'
export default function Home() {
  return <View data-testid='x' aria-label='hi'>hello<Button type='primary' data-testid='b' aria-label='go'>go</Button></View>
}
