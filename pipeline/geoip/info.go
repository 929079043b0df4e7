package geoip

// Info is what is known of an address. The zero Info: nothing.
type Info struct {
	Geo Geo
	AS  AS
}

// Geo is where an address is. An empty string means absent.
type Geo struct {
	ContinentName  string // "Europe"
	CountryISOCode string // "GB"
	CountryName    string // "United Kingdom"
	RegionISOCode  string // "GB-WBK"; only set if both parts are known
	RegionName     string // "West Berkshire"
	CityName       string // "Boxford"
	Location       Location
}

// Location is a place in degrees. It is absent unless Set.
type Location struct {
	Lat, Lon float64
	Set      bool
}

// AS is whose network an address belongs to. Number 0 and an empty Organization mean absent.
type AS struct {
	Number       uint32
	Organization string
}
