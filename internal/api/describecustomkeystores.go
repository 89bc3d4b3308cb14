package api

// DescribeCustomKeyStoresRequest asks for a page of the account's custom key stores
// in the Region, or for one of them.
type DescribeCustomKeyStoresRequest struct {
	CustomKeyStoreId   *string `json:"CustomKeyStoreId,omitzero" kms:"len=1:64"`
	CustomKeyStoreName *string `json:"CustomKeyStoreName,omitzero" kms:"len=1:256"`
	Limit              *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker             *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
}

// DescribeCustomKeyStoresResponse has a page of custom key stores. NextMarker is present if Truncated is true.
type DescribeCustomKeyStoresResponse struct {
	CustomKeyStores []CustomKeyStoresListEntry `json:"CustomKeyStores"`
	NextMarker      *string                    `json:"NextMarker,omitzero"`
	Truncated       bool                       `json:"Truncated"`
}

// A CustomKeyStoresListEntry is a custom key store in a list.
type CustomKeyStoresListEntry struct {
	CloudHsmClusterId      *string                    `json:"CloudHsmClusterId,omitzero"`
	ConnectionErrorCode    *string                    `json:"ConnectionErrorCode,omitzero" kms:"enum=ConnectionErrorCodeType"`
	ConnectionState        *string                    `json:"ConnectionState,omitzero" kms:"enum=ConnectionStateType"`
	CreationDate           *Timestamp                 `json:"CreationDate,omitzero"`
	CustomKeyStoreId       *string                    `json:"CustomKeyStoreId,omitzero"`
	CustomKeyStoreName     *string                    `json:"CustomKeyStoreName,omitzero"`
	CustomKeyStoreType     *string                    `json:"CustomKeyStoreType,omitzero" kms:"enum=CustomKeyStoreType"`
	TrustAnchorCertificate *string                    `json:"TrustAnchorCertificate,omitzero"`
	XksProxyConfiguration  *XksProxyConfigurationType `json:"XksProxyConfiguration,omitzero"`
}

// XksProxyConfigurationType describes the connection to an external key store.
type XksProxyConfigurationType struct {
	AccessKeyId             *string `json:"AccessKeyId,omitzero"`
	Connectivity            *string `json:"Connectivity,omitzero" kms:"enum=XksProxyConnectivityType"`
	UriEndpoint             *string `json:"UriEndpoint,omitzero"`
	UriPath                 *string `json:"UriPath,omitzero"`
	VpcEndpointServiceName  *string `json:"VpcEndpointServiceName,omitzero"`
	VpcEndpointServiceOwner *string `json:"VpcEndpointServiceOwner,omitzero"`
}
