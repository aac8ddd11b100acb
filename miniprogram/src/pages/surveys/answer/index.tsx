// A survey, where its card leads: the city's own page for one run, which needs no sign-in. In a browser we go there.
import { WebView } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useEffect } from 'react'
import { Loading } from '../../../components/states'
import { isWeapp } from '../../../utils/platform'

export default function SurveyPage() {
  const { params } = useRouter<{ token: string }>()
  const address = `${API_URL}/s/${encodeURIComponent(params.token)}`
  useEffect(() => {
    if (!isWeapp) location.replace(address)
  }, [address])
  return isWeapp ? <WebView src={address} /> : <Loading />
}
